from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0005_audit'),
    ]

    operations = [
        migrations.AddField(
            model_name='token',
            name='last_used_at',
            field=models.DateTimeField(blank=True, editable=False, help_text='To the minute; empty: never.', null=True, verbose_name='last used'),
        ),
        migrations.CreateModel(
            name='Session',
            fields=[
                ('session_key', models.CharField(max_length=40, primary_key=True, serialize=False, verbose_name='session key')),
                ('session_data', models.TextField(verbose_name='session data')),
                ('expire_date', models.DateTimeField(db_index=True, verbose_name='expire date')),
                ('label', models.CharField(db_index=True, max_length=16, verbose_name='number')),
                ('began_at', models.DateTimeField(verbose_name='began')),
                ('seen_at', models.DateTimeField(help_text='To the minute.', verbose_name='last seen')),
                ('peer', models.CharField(blank=True, help_text='Address of the client.', max_length=100, verbose_name='from')),
                ('browser', models.CharField(blank=True, max_length=200, verbose_name='browser')),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='sessions', to=settings.AUTH_USER_MODEL, verbose_name='user')),
            ],
            options={
                'verbose_name': 'session',
                'verbose_name_plural': 'sessions',
            },
        ),
    ]
